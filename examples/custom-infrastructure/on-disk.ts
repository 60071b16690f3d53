import { TroupeError } from "troupe";

/** Waits for work on files. What fails there, such as a full disk or a folder that is being destroyed, is the place's failure. */
export async function onDisk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new TroupeError("INFRASTRUCTURE_UNAVAILABLE", `Cannot use the disk: ${String(error)}`, { cause: error });
  }
}

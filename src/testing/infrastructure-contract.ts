/** The conformance kit. Needs vitest, and is therefore apart from the rest of `troupe/testing`. */
import { afterEach, beforeEach, describe } from "vitest";
import type { Opened } from "./conformance/opened.ts";
import { abortContract } from "./contract/abort.ts";
import { destroyContract } from "./contract/destroy.ts";
import { execContract } from "./contract/exec.ts";
import { isolationContract } from "./contract/isolation.ts";
import { lifecycleContract } from "./contract/lifecycle.ts";
import { outputContract } from "./contract/output.ts";
import { portContract, type TakePort, takeLoopbackPort } from "./contract/ports.ts";
import { type ContractPrograms, shellPrograms } from "./contract/programs.ts";
import { recoveryContract } from "./contract/recovery.ts";
import { type Scene, Stage } from "./contract/stage.ts";
import { stopContract } from "./contract/stop.ts";
import { volumeContract } from "./contract/volumes.ts";
import { watchContract } from "./contract/watch.ts";

export type { Opened } from "./conformance/opened.ts";
export type { TakePort } from "./contract/ports.ts";
export { type ContractPrograms, shellPrograms, simulatedContractPrograms } from "./contract/programs.ts";

export interface InfrastructureContractOptions {
  /** What the machines run; default {@link shellPrograms}. */
  readonly programs?: ContractPrograms;
  /** Default: a listener on this host's loopback address. */
  readonly takePort?: TakePort;
}

/**
 * Tests every promise of `Infrastructure`. Call it once per implementation, in a test file.
 *
 * `open` is called for each test. With `reopen`, it is also tested that a restarted supervisor finds what runs.
 *
 * @example infrastructureContract("mine", async () => ({ infrastructure: mine(), close: async () => {} }))
 */
export function infrastructureContract(
  name: string,
  open: () => Promise<Opened>,
  { programs = shellPrograms, takePort = takeLoopbackPort }: InfrastructureContractOptions = {},
): void {
  describe(`${name} keeps the Infrastructure contract`, () => {
    let stage: Stage | undefined;
    const scene: Scene = {
      programs,
      get stage() {
        if (stage === undefined) throw new Error("Cannot use the stage: no test runs");
        return stage;
      },
    };
    beforeEach(async () => {
      stage = new Stage(await open());
    });
    afterEach(async () => {
      const last = stage;
      stage = undefined;
      await last?.clear();
    });

    lifecycleContract(scene);
    portContract(scene, takePort);
    execContract(scene);
    outputContract(scene);
    watchContract(scene);
    stopContract(scene);
    abortContract(scene);
    destroyContract(scene);
    isolationContract(scene);
    volumeContract(scene);
    recoveryContract(scene);
  });
}

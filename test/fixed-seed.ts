/** Properties draw the same examples in every run, so that a run that fails can be repeated; `TROUPE_SEED` draws others. */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env["TROUPE_SEED"] ?? 1) });

/** Draws the charts into ARCHITECTURE.md: `node --import tsx test/machines/draw.ts`. */
import { readFileSync, writeFileSync } from "node:fs";
import { withPictures } from "./architecture-pictures.ts";

const file = new URL("../../ARCHITECTURE.md", import.meta.url);
writeFileSync(file, withPictures(readFileSync(file, "utf8")));

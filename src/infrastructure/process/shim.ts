/** The program that stands beside each process of a machine, and outlives the supervisor. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { exists, makeDirectory, replaceFile } from "./files.ts";

/**
 * Runs one command, once, and keeps what must not be lost: which process it is, what it writes, how it ended.
 *
 * Records are symbolic links (see `record.ts`): `lock` is the shim's identity and lets only the first of several
 * shims go on; `process` is the command's, made before the command runs; `exit` is what `$?` was.
 *
 * Every `dd` appends a bounded number of reads, each written as soon as it was read, and then gives way to the
 * next one: a file grows past its limit by no more than that, and a quiet command's line is on disk at once.
 * (`count` limits reads, not bytes, with `iflag=count_bytes` too; hence files are appended to until they are full.)
 * The first file of a run ends in `.first`, so that a reader never joins the lines of two runs.
 *
 * POSIX sh; checked with dash and bash. Without `setsid` (macOS) job control makes the process group.
 */
const SHIM = `# Arguments: DIRECTORY OUTPUT OFFSET FILE_BYTES FILES READ_BYTES READS MEMORY_GROUP COMMAND...
dir=$1 out=$2 at=$3 full=$4 keep=$5 bytes=$6 reads=$7 group=$8
shift 8
path=$PATH
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$path
setsid=$(command -v setsid)

# Sets "me" to the identity of the shell that calls it: pid, boot, start time.
identify() {
  if [ -r /proc/self/stat ]; then
    read -r boot </proc/sys/kernel/random/boot_id
    read -r stat </proc/self/stat
    pid=\${stat%% *}
    set -- \${stat##*) }
    start=\${20}
  else
    boot=$(sysctl -n kern.bootsessionuuid)
    pid=$(exec sh -c 'echo "$PPID"')
    start=$(LC_ALL=C ps -o lstart= -p "$pid")
  fi
  me="$pid $boot $start"
}

run() {
  [ -n "$setsid" ] || set -m
  (
    identify
    ln -s "$me" "$dir/process" || exit 125
    if [ -n "$group" ]; then echo 0 >"$group/cgroup.procs" || exit 125; fi
    PATH=$path
    exec $setsid "$@"
  ) </dev/null 2>&1
  ln -s "$?" "$dir/exit"
}

next() {
  file=$out/output.$(printf %016d "$at")$1
  size=0
  set -- "$out"/output.*
  while [ $# -ge "$keep" ]; do
    rm -f "$1"
    shift
  done
}

collect() {
  umask 077
  next .first
  while [ -d "$out" ]; do
    before=$size
    dd bs="$bytes" count="$reads" >>"$file" 2>/dev/null
    failed=$?
    set -- $(wc -c <"$file")
    size=\${1:-0}
    if [ "$failed" -ne 0 ]; then
      # The disk is full, say. One read may be lost: the offsets leave a gap for it.
      at=$((at + size + bytes))
      sleep 1
      next
    elif [ "$size" -eq "$before" ]; then
      return
    elif [ "$size" -ge "$full" ]; then
      at=$((at + size))
      next
    fi
  done
}

identify
ln -s "$me" "$dir/lock" || exit 0
run "$@" | collect
`;

/** How much output of one stream is kept, in the terms in which the shim is told. */
export interface OutputBounds {
  readonly fileBytes: number;
  readonly files: number;
  readonly readBytes: number;
  readonly reads: number;
}

/** At most this many files a stream: restarts begin a new one, so this is also how many runs are kept at least in part. */
const FILES = 16;
/** What a pipe holds on Linux, so the most that one read can bring. */
const READ_BYTES = 65_536;

/** Bounds that keep a stream within `limitBytes`, and of a longer one about half of that at least. */
export function outputBounds(limitBytes: number): OutputBounds {
  const largestFile = Math.max(2, Math.floor(limitBytes / FILES));
  const readBytes = Math.min(READ_BYTES, Math.ceil(largestFile / 2));
  const reads = Math.max(1, Math.floor(largestFile / 2 / readBytes));
  return { fileBytes: largestFile - reads * readBytes, files: FILES, readBytes, reads };
}

/** Writes the shim below `directory`, once. Its name is its digest: an upgrade never changes what runs. */
export async function installShim(directory: string): Promise<string> {
  const digest = createHash("sha256").update(SHIM).digest("hex").slice(0, 16);
  const path = join(directory, `shim-${digest}.sh`);
  if (!(await exists(path))) {
    await makeDirectory(directory);
    await replaceFile(path, SHIM, 0o600);
  }
  return path;
}

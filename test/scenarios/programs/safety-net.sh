# Waits until whoever holds the other end of stdin has ended, in whatever way; then ends every process whose HOME begins
# with PREFIX, and removes what is there. After an orderly end there is nothing to do. Argument: PREFIX
cat >/dev/null
while ls -d "$1"*; do
  for environ in /proc/[0-9]*/environ; do
    pid=${environ#/proc/}
    if tr '\0' '\n' <"$environ" | grep "^HOME=$1"; then kill -9 "${pid%/environ}"; fi
  done
  rm -rf "$1"*
  sleep 1
done

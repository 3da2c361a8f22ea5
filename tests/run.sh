#!/bin/sh
# All tests on so many processes at once; then those that promise a time, with the machine to themselves: PYTHON JOBS [pytest's options].
python=$1 jobs=$2
shift 2
NONE=5 # pytest's status where no test was chosen
folder=$(mktemp -d) && chmod 755 "$folder"
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
export CHATWITHUS_MIGRATED="$folder/data" # made by the first, copied by all others: see tests/services.py

"$python" -m pytest -m "not timely" --numprocesses "$jobs" --dist loadfile --no-loadscope-reorder --max-worker-restart 0 --durations 20 "$@"
together=$?
"$python" -m pytest -m timely --durations 5 "$@"
alone=$?
[ $together = $NONE ] && exit $alone
[ $alone = $NONE ] || [ $together != 0 ] || exit $alone
exit $together

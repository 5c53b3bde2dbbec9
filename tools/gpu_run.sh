#!/usr/bin/env bash
# On a machine with a GPU: check it, run the tests that need one, then make what is missing at the papers' scale,
# figure by figure, those that cost least first, until the time is over; and keep all of it in one archive.
#
#   tools/gpu_run.sh SECONDS ARCHIVE [target ...]
#
# SECONDS  how long it may take, all in all; the last of them are for saving
# ARCHIVE  a .tar; unpacked first if it is there, so that the next run goes on where this one ended, a training in
#          the middle of its epochs too
# target   figures; without any, all of the papers' scale that are not there yet
#
# PYTHON   an interpreter that has what flexnet needs; without it `make env` installs one
# DEVICE   cuda, cuda:1, ...; cpu tries this script itself
# SHARE    how many jobs share the GPU (4): narrow networks leave most of it idle
# SAVING   seconds at the end that are for saving (120)
set -euo pipefail
called=$PWD
cd "$(dirname "$0")/.."

fail() { echo "gpu_run: $*" >&2; exit 2; }

[ $# -ge 2 ] || fail "expected seconds and an archive: tools/gpu_run.sh 3600 kept.tar [target ...]"
limit=$1 archive=$2
shift 2
[[ $limit =~ ^[0-9]+$ ]] || fail "expected a whole number of seconds; got '$limit'"
[[ $archive = *.tar ]] || fail "expected an archive that ends in .tar; got '$archive'"
[[ $archive = /* ]] || archive=$called/$archive
[ ! -e "$archive" ] || tar -tf "$archive" > /dev/null || fail "$archive is no whole archive; move it away"
saving=${SAVING:-120} device=${DEVICE:-cuda} share=${SHARE:-4}
for name in SHARE SAVING; do
  value=${name,,}
  [[ ${!value} =~ ^[1-9][0-9]*$ ]] || fail "expected $name to be a whole number from 1; got '${!value}'"
done
left() { echo $((limit - saving - SECONDS)); }

# Run a command for some seconds. Then its processes get one Ctrl-C together, at which a training saves its state;
# what still runs when the time for saving is half over is killed. `timeout` would send two.
within() {
  local seconds=$1 command guard status=0
  shift
  set -m # processes of their own groups
  env --default-signal=INT "$@" & # this script may run in the background of a shell, where Ctrl-C is ignored
  command=$!
  { sleep "$seconds" && kill -INT -- "-$command" && sleep $((saving / 2)) && kill -KILL -- "-$command"; } &
  guard=$!
  set +m
  trap 'limit=0; kill -INT -- "-$command" 2> /dev/null' INT TERM # told to end, it saves what there is
  wait "$command" || status=$?
  while kill -0 "$command" 2> /dev/null; do wait "$command" || status=$?; done # a trap ends a wait
  trap - INT TERM
  kill -- "-$guard" 2> /dev/null || true
  return "$status"
}

if [ "$device" != cpu ]; then
  command -v nvidia-smi > /dev/null || fail "expected a GPU; this machine has no nvidia-smi"
  nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader
fi
if [ -z "${PYTHON:-}" ]; then
  make env
  PYTHON=.venv/bin/python
fi
"$PYTHON" - "$device" << 'EOF' || fail "torch of $PYTHON computes nothing on $device; see above"
import sys
import torch
x = torch.ones(64, 64, device=sys.argv[1])
assert float((x @ x).sum()) == 64.0**3
EOF

FLEXNET_TEST_DEVICE=$device "$PYTHON" -m pytest -q tests/gpu
[ ! -e "$archive" ] || tar -xf "$archive"
targets=("$@")
if [ $# -eq 0 ]; then
  missing=$("$PYTHON" workflow/scripts/missing.py paper)
  [ -z "$missing" ] || mapfile -t targets <<< "$missing"
fi
failed=()
for target in ${targets[@]+"${targets[@]}"}; do
  [ "$(left)" -gt 0 ] || { echo "gpu_run: no time is left for $target and what comes after it"; break; }
  within "$(left)" "$PYTHON" -m snakemake "$target" --cores "$(nproc)" --resources "gpu=$share" \
    --config "device=$device" ||
    failed+=("$target")
done

kept=()
# Of every scale that was made here, whatever its name. Without the notes of jobs that were stopped, an earlier
# result would pass for one of the settings that the job had.
for part in figures results logs .snakemake/{metadata,incomplete,unfinished} */results; do
  [ ! -e "$part" ] || kept+=("${part%/results}")
done
[ ${#kept[@]} -eq 0 ] || { tar -cf "$archive.part" "${kept[@]}" && mv "$archive.part" "$archive"; }
echo "gpu_run: kept in $archive: ${kept[*]:-nothing}"
[ ${#failed[@]} -eq 0 ] || { echo "gpu_run: not finished: ${failed[*]}"; exit 1; }

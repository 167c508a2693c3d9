#!/bin/sh
# Kills a training run at random moments, resumes it each time, and compares its last checkpoint and model with those of
# a run that was left alone: they must be equal byte for byte.
#
#   Scripts/kill-test.sh [MOONLIT] [KILLS]
set -eu
moonlit=${1:-.build/release/moonlit}
kills=${2:-20}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/config.yaml" <<'YAML'
preset: tiny
steps: 300
intervals: {log: 10, sample: 0, checkpoint: 5, keep: 2}
YAML
# In a process of its own, so that its number is the program's.
train() { exec "$moonlit" train --data emoji --config "$work/config.yaml" -o "$@" >>"$work/output" 2>&1; }

(train "$work/whole")
resume=
for number in $(seq "$kills"); do
    train "$work/killed" $resume &
    pid=$!
    # Until the next checkpoint begins to be written, and then for up to half a second.
    before=$(ls "$work/killed/checkpoints" 2>/dev/null || true)
    while kill -0 "$pid" 2>/dev/null && [ "$(ls "$work/killed/checkpoints" 2>/dev/null || true)" = "$before" ]; do
        sleep 0.01
    done
    sleep "$(awk -v seed="$number$$" 'BEGIN { srand(seed); print 0.5 * rand() }')"
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    if [ -e "$work/killed/config.yaml" ]; then resume=--resume; fi
    echo "kill $number: $(ls "$work/killed/checkpoints" 2>/dev/null | tr '\n' ' ')"
done
[ -n "$resume" ] || { echo "no run was resumed"; exit 1; }
(train "$work/killed" $resume) || { tail -n 3 "$work/output"; exit 1; }

last=$(ls "$work/whole/checkpoints" | tail -n 1)
cmp "$work/whole/checkpoints/$last/state.safetensors" "$work/killed/checkpoints/$last/state.safetensors"
cmp "$work/whole/model.safetensors" "$work/killed/model.safetensors"
echo "after $kills kills: equal"

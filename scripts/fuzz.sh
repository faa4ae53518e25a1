#!/usr/bin/env bash
# Usage: fuzz.sh SECONDS [FEATURE]
# Fuzzes each target for SECONDS, starting from its corpus. The feature `sidecar` adds the targets that link the
# sidecar. Needs `make build`.
source "$(dirname "$0")/lib.sh"

seconds=$1
feature=${2:-libfuzzer}
have c++ || install_packages g++ || die "fuzzing needs a C++ compiler: on Debian, install g++"

targets=()
while read -r name needed; do
    if [ "$needed" = libfuzzer ] || [ "$needed" = "$feature" ]; then targets+=("$name"); fi
done < <(sed -n 's/^name = "\(.*\)"/\1/;T next;h;:next;s/^required-features = \["\(.*\)"\]/\1/;T;H;g;s/\n/ /p' fuzz/Cargo.toml)
RUSTC_WORKSPACE_WRAPPER=$PWD/scripts/coverage.sh cargo build --quiet --release --locked --workspace \
    --features "cofferdam-fuzz/$feature" "${targets[@]/#/--bin=}"

out=target/fuzz
for target in "${targets[@]}"; do
    mkdir -p "$out/$target"
    log=$out/$target.log
    # libFuzzer writes new inputs to the first folder.
    if ! "target/release/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="$out/$target-" "$out/$target" "fuzz/corpus/$target" >"$log" 2>&1; then
        grep -av '^#' "$log" | cut -c1-500 | tail -n 40
        die "$target failed: the lines above name the input"
    fi
    echo "fuzz: $target: $(sed -n 's/^stat::number_of_executed_units: //p' "$log") inputs"
done

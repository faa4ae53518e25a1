#!/usr/bin/env bash
# Builds what the program carries inside itself, the components and the runner, twice more, in two other folders, and compares the
# bytes: `make build` must have been run.
source "$(dirname "$0")/lib.sh"

out=target/by-$(<"$SETUP/compiler")
carried=(target/runner/cofferdam-runner target/components/*.wasm)
for folder in one a-folder/with-another/name; do
    copy=target/reproduce/$folder
    rm -rf "$copy"
    mkdir -p "$copy/target"
    git ls-files -z | xargs -0 cp --parents -t "$copy"
    cp -r "$SETUP" "$copy/target"
    # What runs on this machine while it is built, such as macros, is there already; only what it makes counts.
    ln -s "$PWD/target/release" "$copy/target/release"
    mkdir "$copy/$out"
    cp -r --preserve=timestamps "$out/small" "$copy/$out"
    "$copy/scripts/build-embedded.sh"
    for file in "${carried[@]}"; do
        cmp "$file" "$copy/$file" || die "$file is another one when it is built in $copy"
    done
done
echo "the same bytes three times: ${carried[*]}"

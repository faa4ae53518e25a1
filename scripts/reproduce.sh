#!/usr/bin/env bash
# Builds the embedded artifacts, the components and the runner, twice more in two other folders, and compares their
# bytes. Needs `make build`.
source "$(dirname "$0")/lib.sh"

out=target/by-$(<"$SETUP/compiler")
carried=(target/runner/cofferdam-runner target/components/*.wasm)
for folder in one a-folder/with-another/name; do
    copy=target/reproduce/$folder
    rm -rf "$copy"
    mkdir -p "$copy/target"
    git ls-files -z | xargs -0 cp --parents --no-dereference -t "$copy"
    cp -r "$SETUP" "$copy/target"
    # Reuses build scripts and macros, which run on this machine; only the artifacts are compared.
    ln -s "$PWD/target/release" "$copy/target/release"
    mkdir "$copy/$out"
    cp -r --preserve=timestamps "$out/small" "$copy/$out"
    "$copy/scripts/build-embedded.sh"
    for file in "${carried[@]}"; do
        cmp "$file" "$copy/$file" || die "$file has other bytes when it is built in $copy"
    done
done
echo "the same bytes three times: ${carried[*]}"

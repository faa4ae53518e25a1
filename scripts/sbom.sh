#!/usr/bin/env bash
# Writes the bills of materials of the program and its image (CycloneDX) to target/sbom. Needs `make build`.
source "$(dirname "$0")/lib.sh"

python3 scripts/sbom.py target/sbom
count() { grep -c "\"type\": \"$1\"" "target/sbom/$2.cdx.json"; }
echo "target/sbom: $(count library cofferdam) crates, $(count file image) libraries beside the program"

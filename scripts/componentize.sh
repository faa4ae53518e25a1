#!/usr/bin/env bash
# Usage: componentize.sh FOLDER
# Makes components from the built modules and writes them to FOLDER. The same modules give the same bytes.
folder=$(realpath "$1")
source "$(dirname "$0")/lib.sh"
# shellcheck source=guest-compiler.sh
source scripts/guest-compiler.sh

componentize guests wit wit-async "$modules" "$folder"

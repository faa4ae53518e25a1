echo "$0 has $#"
for argument in "$@"; do printf '<%s>\n' "$argument"; done
shift 2; echo "${*@Q}"

list=(one "two three" four)
list+=(five)
declare -A price=([apple]=3 [pear]=4)
echo "${#list[@]} ${list[1]} ${list[@]:2:2} ${price[pear]} ${list[@]^}"
mkdir d; touch d/{a,b}.{txt,log}
echo d/*.txt d/[!a]*
[[ "v12.5" =~ ^v([0-9]+)\.([0-9]+)$ ]] && printf '%05d|%-4s|%q\n' "${BASH_REMATCH[@]:1}" "it's"
echo "${PWD##*/}" >/dev/null; x=archive.tar.gz; echo "${x%%.*} ${x#*.} ${x/tar/zip}"

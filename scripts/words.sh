#!/usr/bin/env bash
# Fails where a file has a word of scripts/wordlist.txt, and says which to use instead.
source "$(dirname "$0")/lib.sh"

found=0
while IFS=$'\t' read -r word instead; do
    [[ $word != '#'* && $word ]] || continue
    if git grep -niE -e "$word" -- '*.rs' '*.md' '*.sh' '*.py' '*.wit' '*.toml' Makefile ':!CHANGELOG.md' ':!wit/deps'; then
        complain "use instead: $instead"
        found=1
    fi
done <scripts/wordlist.txt
exit $found

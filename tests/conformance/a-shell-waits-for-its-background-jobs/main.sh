(sleep 0.4; echo slow; exit 3) &
slow=$!
(sleep 0.1; echo quick) &
wait $!
echo "quick $?"
wait "$slow"
echo "slow $?"

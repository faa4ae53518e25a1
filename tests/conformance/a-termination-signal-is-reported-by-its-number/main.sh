echo going
kill -TERM $$
sleep 5
echo never

nohup bash -c 'trap "" TERM HUP INT; sleep 30; echo survived' 2>/dev/null &
echo left

exec bash -c 'exec bash -c "exec -a /cofferdam/runner bash -c \"echo runner; exit 21\""'

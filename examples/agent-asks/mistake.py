"""Reads a reply of a weather service, but not the way that it is written: the caller gets the traceback and can try again."""

import json

reply = '{"city": "Lisbon", "daily": [{"day": "2026-03-02", "temp": {"min": 9.5, "max": 17.0}}]}'

forecast = json.loads(reply)
print(f"forecast for {forecast['city']}")
for day in forecast["daily"]:
    print(f"{day['day']}: {day['temperature']['max']} degrees")

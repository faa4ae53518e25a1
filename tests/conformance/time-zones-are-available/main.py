import datetime, os, time, zoneinfo
moment = datetime.datetime(2024, 7, 1, 12, tzinfo=datetime.timezone.utc)
print(moment.astimezone(zoneinfo.ZoneInfo("Asia/Kathmandu")).isoformat())
print(time.strftime("%Y-%m-%d %H:%M %Z", time.localtime(1_720_000_000)))
print(datetime.datetime(2024, 2, 29) + datetime.timedelta(days=366))

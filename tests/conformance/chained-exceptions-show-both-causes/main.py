def load(settings):
    try:
        return settings["port"]
    except KeyError as error:
        raise ValueError("the port is missing") from error


try:
    load({})
finally:
    {}["cleanup failed too"]

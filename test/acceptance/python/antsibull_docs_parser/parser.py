from types import SimpleNamespace as Context  # noqa: F401


def parse(*_, **__):
    return []

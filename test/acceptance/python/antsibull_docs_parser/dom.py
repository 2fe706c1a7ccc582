from types import SimpleNamespace as PluginIdentifier  # noqa: F401

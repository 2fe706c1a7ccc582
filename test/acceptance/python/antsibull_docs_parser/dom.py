from dataclasses import dataclass


class PartType:
    ERROR, URL, LINK, MODULE, PLUGIN, OPTION_NAME, RETURN_VALUE = range(7)


@dataclass(frozen=True)
class PluginIdentifier:
    fqcn: str
    type: str


@dataclass(frozen=True)
class NamePart:
    type: int
    name: str
    source: str
    plugin: PluginIdentifier | None
    entrypoint: None = None

    @property
    def link(self):
        return self.name.replace("[]", "").split(".")


OptionNamePart = ReturnValuePart = NamePart

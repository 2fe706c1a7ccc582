import re
from dataclasses import dataclass

from .dom import NamePart, PartType, PluginIdentifier

_TYPES = {"O": PartType.OPTION_NAME, "RV": PartType.RETURN_VALUE}


@dataclass(frozen=True)
class Context:
    current_plugin: PluginIdentifier | None = None


def parse(text, context, **_):
    """One paragraph with the names of options and returned values, which are all those of the module itself."""
    marks = re.finditer(r"\b(O|RV)\(([^)=]*)(?:=[^)]*)?\)", text)
    return [[NamePart(_TYPES[mark[1]], mark[2], mark[0], context.current_plugin) for mark in marks]]

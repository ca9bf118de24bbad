"""Languages by their names: a person chooses “Swedish”, and “sv” is kept. Any other code can be written too."""

from functools import lru_cache
from typing import Any

from django import forms
from django.conf.locale import LANG_INFO
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ml.checks import dictionary_languages

BESIDES = {"zh": ("Chinese", "中文")}  # Django's list tells only its ways of writing apart; ml/checks marks the name


def cased(code: str) -> str:
    """As it is commonly written: pt-BR, zh-Hans."""
    language, dash, rest = code.partition("-")
    return language + dash + (rest.upper() if len(rest) == len("BR") else rest.title())


@lru_cache(maxsize=1)
def known() -> dict[str, tuple[str, str]]:
    """Code -> its name in English and in the language itself."""
    named = {cased(code): (info["name"], info["name_local"]) for code, info in LANG_INFO.items() if "name" in info}
    return named | BESIDES


def language_named(text: str) -> str:
    """The code of a language that is called so, in the reader's words, in English or in its own; else the text."""
    asked = text.strip()
    wanted = asked.casefold()
    for code, (english, local) in known().items():
        if wanted in (code.casefold(), _(english).casefold(), english.casefold(), local.casefold()):
            return code
    return asked


def name_of(code: str) -> str:
    """What the reader calls it; a code without a known name stays as it is."""
    names = known().get(cased(code.lower()))
    return _(names[0]) if names else code


class LanguageInput(forms.TextInput):
    """A line to type in that offers every known language by its name, those that have a dictionary marked."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        names = f"{(attrs or {}).get('id', name)}_names"
        field = super().render(name, value, {**(attrs or {}), "list": names, "autocomplete": "off"}, renderer)
        options = format_html_join("", '<option value="{}">{}</option>', offered())
        return format_html('{}<datalist id="{}">{}</datalist>', field, names, options)


def offered() -> list[tuple[str, str]]:
    """Names with what is said beside them, by name."""
    checked = dictionary_languages()
    rows = [(_(english), code.partition("-")[0] in checked) for code, (english, _local) in known().items()]
    return [
        (name, _("%(language)s, with a dictionary") % {"language": name} if has else "") for name, has in sorted(rows)
    ]


class LanguageField(forms.CharField):
    widget = LanguageInput

    def prepare_value(self, value: Any) -> Any:
        return name_of(value) if isinstance(value, str) else value

    def to_python(self, value: Any) -> str:
        return language_named(super().to_python(value) or "")

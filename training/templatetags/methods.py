from django import template

from training.presets import method_name, method_words

register = template.Library()
register.filter(method_name)
register.filter(method_words)

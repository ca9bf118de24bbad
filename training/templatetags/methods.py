from django import template

from training.presets import method_name

register = template.Library()
register.filter(method_name)

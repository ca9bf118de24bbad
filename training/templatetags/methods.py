from django import template

from training.forms import method_name

register = template.Library()
register.filter(method_name)

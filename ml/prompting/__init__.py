"""Prompt rendering and loss masking: the only place where a pair becomes text and tokens.

Training, evaluation, the playground and exports all call these functions, so a model is asked in exactly the words
in which it was taught. Needs `tokenizers` and `jinja2`; neither torch nor transformers is imported.
"""

from ml.prompting.chat import ChatTemplateError, render_chat
from ml.prompting.encoding import (
    PROBLEMS,
    EncodedPair,
    Problem,
    characters_within,
    encode_pair,
    encode_prompt,
    segments,
    stop_token_ids,
    token_pieces,
)
from ml.prompting.rendering import Rendered, fill_template, render, render_messages
from ml.prompting.shapes import Example, Template, TemplateError, Turn
from ml.prompting.tokenizer import Tokenizer, TokenizerError

__all__ = [
    "PROBLEMS",
    "ChatTemplateError",
    "EncodedPair",
    "Example",
    "Problem",
    "Rendered",
    "Template",
    "TemplateError",
    "Tokenizer",
    "TokenizerError",
    "Turn",
    "characters_within",
    "encode_pair",
    "encode_prompt",
    "fill_template",
    "render",
    "render_chat",
    "render_messages",
    "segments",
    "stop_token_ids",
    "token_pieces",
]

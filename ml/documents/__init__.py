"""Documents become texts, and texts become passages: Markdown, plain text, HTML, PDF, DOCX, saved web pages, WARC.

Pure Python without models: `read_documents` yields what one file holds, `split_passages` cuts a text. Files come from
anywhere, so `python -m ml extract` does the reading in a process of its own under limits of time and memory.
"""

from ml.documents.passages import Passage, split_passages
from ml.documents.reading import ENDINGS, kind_of, read_documents
from ml.documents.shapes import Document, DocumentError, Limits

__all__ = ["ENDINGS", "Document", "DocumentError", "Limits", "Passage", "kind_of", "read_documents", "split_passages"]

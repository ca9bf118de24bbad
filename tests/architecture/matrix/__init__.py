"""Who may do what at which URL. Every URL of ours stands here; one that does not fails the suite.

A row is (methods, need), or a list of such where methods differ. `need` is one of: open (anybody), login (anybody
signed in), self (the person whose thing it is), holder, grader, writer, chooser (a reviewer, the same one for an answer
to grade, the expert or the owner who holds the item), held, held by an expert, held by an owner (the same, hidden from
everybody else), admin, or Needs of a project member: view, write, review, grade, own; "write|review" is either. For
pages a missing login leads to the sign-in page, for the API to 401. Strangers get 404, members without the role 403.
"""

from tests.architecture.matrix.core import CORE
from tests.architecture.matrix.curation import CURATION
from tests.architecture.matrix.curation_api import CURATION_API
from tests.architecture.matrix.evaluation import EVALUATION
from tests.architecture.matrix.home import HOME
from tests.architecture.matrix.rows import Rows
from tests.architecture.matrix.training import TRAINING

ROWS: Rows = {**CORE, **HOME, **CURATION, **CURATION_API, **TRAINING, **EVALUATION}

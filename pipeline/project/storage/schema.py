"""Tables of a project's store, and how an older store becomes a newer one."""

import sqlite3
from contextlib import closing
from functools import cache

APPLICATION_ID = 0x7261696E
""""rain": marks an SQLite file as ours (PRAGMA application_id)."""

_FIRST = """
CREATE TABLE project (
    uuid TEXT NOT NULL,
    created TEXT NOT NULL,
    rainclean TEXT NOT NULL
) STRICT;

-- path: absolute; relative: from the project's folder, so that both can be moved together.
-- content: SHA-256 of the file; of a folder of images, over the SHA-256 of its images in natural order.
CREATE TABLE clip (
    id INTEGER PRIMARY KEY,
    content TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    relative TEXT NOT NULL,
    copied INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    frame_count INTEGER NOT NULL,
    duration REAL NOT NULL,
    codec TEXT NOT NULL,
    salvage INTEGER NOT NULL,
    notes TEXT NOT NULL,
    added TEXT NOT NULL
) STRICT;

-- last: the first frame that is no longer in it. background: what scenes are compared by. looks_like: an earlier
-- sequence with a background like this one's, or NULL; a suggested scene is that one's, wherever that one goes.
CREATE TABLE sequence (
    id INTEGER PRIMARY KEY,
    clip_id INTEGER NOT NULL REFERENCES clip (id),
    name TEXT NOT NULL UNIQUE,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL CHECK (last > first),
    scene TEXT NOT NULL,
    scene_by TEXT NOT NULL CHECK (scene_by IN ('person', 'suggestion', 'name')),
    source TEXT NOT NULL DEFAULT '',
    author TEXT NOT NULL DEFAULT '',
    licence TEXT NOT NULL DEFAULT '',
    consent TEXT NOT NULL DEFAULT '',
    notes TEXT NOT NULL DEFAULT '',
    background BLOB NOT NULL,
    looks_like INTEGER REFERENCES sequence (id),
    CHECK (scene_by != 'suggestion' OR looks_like IS NOT NULL),
    UNIQUE (clip_id, first, last)
) STRICT;

-- error: empty where the analysis came to its end. rain: rain amount of each frame, a JSON list, null for a frame that
-- cannot be had. sheet: artefact of the contact sheet that earlier versions stored, or empty.
CREATE TABLE analysis (
    id INTEGER PRIMARY KEY,
    sequence_id INTEGER NOT NULL REFERENCES sequence (id),
    settings TEXT NOT NULL,
    settings_hash TEXT NOT NULL,
    rainclean TEXT NOT NULL,
    finished TEXT NOT NULL,
    error TEXT NOT NULL,
    reference_frame INTEGER NOT NULL,
    region TEXT NOT NULL,
    warnings TEXT NOT NULL,
    rain TEXT NOT NULL,
    sheet TEXT NOT NULL
) STRICT;
CREATE INDEX analysis_of_sequence ON analysis (sequence_id);

CREATE TABLE candidate (
    id INTEGER PRIMARY KEY,
    analysis_id INTEGER NOT NULL REFERENCES analysis (id) ON DELETE CASCADE,
    rank INTEGER NOT NULL,
    name TEXT NOT NULL,
    recipe TEXT NOT NULL,
    recipe_hash TEXT NOT NULL,
    percentile REAL NOT NULL,
    eta INTEGER NOT NULL,
    silent_share REAL NOT NULL,
    streaks REAL NOT NULL,
    detail REAL NOT NULL,
    darkening REAL NOT NULL,
    disagreement REAL NOT NULL,
    merged TEXT NOT NULL,
    picture TEXT NOT NULL,
    UNIQUE (analysis_id, name)
) STRICT;

-- Appended, never changed: undoing is a row of its own that names the row it takes back.
CREATE TABLE decision (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    sequence_id INTEGER NOT NULL REFERENCES sequence (id),
    kind TEXT NOT NULL CHECK (kind IN ('person', 'automatic')),
    verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'rejected', 'undone')),
    candidate_id INTEGER REFERENCES candidate (id),
    undoes INTEGER REFERENCES decision (id),
    exclude TEXT NOT NULL,
    note TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    CHECK ((verdict = 'accepted') = (candidate_id IS NOT NULL)),
    CHECK ((verdict = 'undone') = (undoes IS NOT NULL))
) STRICT;
CREATE INDEX decision_of_sequence ON decision (sequence_id);
CREATE INDEX decision_of_candidate ON decision (candidate_id);
CREATE TRIGGER decisions_stay BEFORE DELETE ON decision
BEGIN SELECT RAISE(ABORT, 'decisions are appended, never removed'); END;
CREATE TRIGGER decisions_stay_as_they_are BEFORE UPDATE ON decision
BEGIN SELECT RAISE(ABORT, 'decisions are appended, never changed'); END;
"""

_SECOND = """
ALTER TABLE decision ADD COLUMN reasons TEXT NOT NULL DEFAULT '[]';

-- crowd: artefact of a 16-bit PNG, crowd × 64, or ''. reference: artefact of the rainy reference frame, cut to the
-- region, or ''. spread: how far the other candidates lie from the best-scored one, levels of luma, mean.
-- origin: a run of analyze, a composite, or a candidate that a person kept (settings are then as analyze has them).
ALTER TABLE analysis ADD COLUMN crowd TEXT NOT NULL DEFAULT '';
ALTER TABLE analysis ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE analysis ADD COLUMN spread REAL NOT NULL DEFAULT 0;
ALTER TABLE analysis ADD COLUMN origin TEXT NOT NULL DEFAULT 'analysis'
    CHECK (origin IN ('analysis', 'composite', 'kept'));

-- What a person does to a sequence in the window. Rows of one batch are taken back together. undo: takes back the row
-- that undoes names; redo: takes back an undo.
CREATE TABLE edit (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    batch TEXT NOT NULL,
    sequence_id INTEGER NOT NULL REFERENCES sequence (id),
    kind TEXT NOT NULL CHECK (kind IN ('star', 'note', 'frames', 'base', 'paint', 'remove_layer', 'feather',
        'exclude', 'keep', 'decision', 'opinion', 'undo', 'redo')),
    value TEXT NOT NULL,
    candidate_id INTEGER REFERENCES candidate (id),
    undoes INTEGER REFERENCES edit (id),
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    CHECK ((kind IN ('undo', 'redo')) = (undoes IS NOT NULL))
) STRICT;
CREATE INDEX edit_of_sequence ON edit (sequence_id);
CREATE INDEX edit_of_candidate ON edit (candidate_id);
CREATE INDEX edit_of_person ON edit (who, id);
CREATE INDEX edit_of_batch ON edit (batch);
CREATE INDEX edit_undone ON edit (undoes) WHERE undoes IS NOT NULL;
CREATE INDEX edit_of_kind ON edit (kind) WHERE kind IN ('star', 'note', 'frames');
CREATE TRIGGER edits_stay BEFORE DELETE ON edit
BEGIN SELECT RAISE(ABORT, 'edits are appended, never removed'); END;
CREATE TRIGGER edits_stay_as_they_are BEFORE UPDATE ON edit
BEGIN SELECT RAISE(ABORT, 'edits are appended, never changed'); END;

-- What a second person found without knowing what was decided. No opinion changes which decision holds.
CREATE TABLE opinion (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    sequence_id INTEGER NOT NULL REFERENCES sequence (id),
    verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'rejected', 'withdrawn')),
    candidate_id INTEGER REFERENCES candidate (id),
    undoes INTEGER REFERENCES opinion (id),
    reasons TEXT NOT NULL,
    note TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    CHECK ((verdict = 'accepted') = (candidate_id IS NOT NULL)),
    CHECK ((verdict = 'withdrawn') = (undoes IS NOT NULL))
) STRICT;
CREATE INDEX opinion_of_sequence ON opinion (sequence_id);
CREATE INDEX opinion_of_candidate ON opinion (candidate_id);
CREATE TRIGGER opinions_stay BEFORE DELETE ON opinion
BEGIN SELECT RAISE(ABORT, 'opinions are appended, never removed'); END;
CREATE TRIGGER opinions_stay_as_they_are BEFORE UPDATE ON opinion
BEGIN SELECT RAISE(ABORT, 'opinions are appended, never changed'); END;
"""

_THIRD = """
-- What the analysis found, artefacts or ''. steadying: how frames were registered and relit, JSON; without it they were
-- used as they are. belief_mean, belief_sd: 16-bit PNGs, what is believed of the truth. areas: 8-bit PNG with a bit for
-- each kind of moving things and one for doubt. passing: passing things of each frame. moving: what a person reads of
-- them, JSON with words, areas and doubtful (shares of the picture), shares (of each frame that passing things cover).
ALTER TABLE analysis ADD COLUMN steadying TEXT NOT NULL DEFAULT '';
ALTER TABLE analysis ADD COLUMN belief_mean TEXT NOT NULL DEFAULT '';
ALTER TABLE analysis ADD COLUMN belief_sd TEXT NOT NULL DEFAULT '';
ALTER TABLE analysis ADD COLUMN areas TEXT NOT NULL DEFAULT '';
ALTER TABLE analysis ADD COLUMN passing TEXT NOT NULL DEFAULT '';
ALTER TABLE analysis ADD COLUMN moving TEXT NOT NULL DEFAULT '';
"""

_FOURTH = """
-- Transactions that have changed anything, and when the last one did. From here on there is no write-ahead log: an
-- older rainclean, which would turn it on again, refuses the store.
ALTER TABLE project ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE project ADD COLUMN changed TEXT NOT NULL DEFAULT '';
UPDATE project SET changes = 1;
"""

_FIFTH = """
-- Frames that repeat the one before: JSON, frame index → frame that stands for its picture. '' where none was found.
ALTER TABLE analysis ADD COLUMN repeats TEXT NOT NULL DEFAULT '';
"""

_SIXTH = """
-- How colours of a clip are read. matrix: of a video whose file does not say it, '' for the usual one; colours: words.
ALTER TABLE clip ADD COLUMN matrix TEXT NOT NULL DEFAULT '' CHECK (matrix IN ('', 'bt601', 'bt709', 'bt2020'));
ALTER TABLE clip ADD COLUMN colours TEXT NOT NULL DEFAULT '';
"""

_SEVENTH = """
-- Whether the candidates can be trusted: JSON with state and reasons, '' where an older rainclean analysed. places:
-- artefact, a picture of where not, or ''.
ALTER TABLE analysis ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
ALTER TABLE analysis ADD COLUMN places TEXT NOT NULL DEFAULT '';
"""

_EIGHTH = """
-- The field's words: what candidates are scored against, the posterior of each pixel, how frames were stabilized.
ALTER TABLE analysis RENAME COLUMN crowd TO scoring_target;
ALTER TABLE analysis RENAME COLUMN belief_mean TO posterior_mean;
ALTER TABLE analysis RENAME COLUMN belief_sd TO posterior_sd;
ALTER TABLE analysis RENAME COLUMN steadying TO stabilization;

-- Scores of a candidate beside the four that have columns: JSON, name of the defect → grey levels. A further defect
-- needs no further column.
ALTER TABLE candidate ADD COLUMN more_scores TEXT NOT NULL DEFAULT '{}';
"""

_NINTH = """
-- What a person set of a sequence. display_name: '' for its name. chosen_first, chosen_last: in point, and first frame
-- after the out point; NULL for those of the shot, which first and last stay. chosen_region: [x, y, width, height] in
-- the upright frame, JSON; '' for all of it. removed: it is in no list and no export; its rows stay.
ALTER TABLE sequence ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE sequence ADD COLUMN chosen_first INTEGER;
ALTER TABLE sequence ADD COLUMN chosen_last INTEGER;
ALTER TABLE sequence ADD COLUMN chosen_region TEXT NOT NULL DEFAULT '';
ALTER TABLE sequence ADD COLUMN removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1));

-- What the sequence had of these when it was analysed. The rain amounts are those of these frames.
ALTER TABLE analysis ADD COLUMN chosen_first INTEGER;
ALTER TABLE analysis ADD COLUMN chosen_last INTEGER;
ALTER TABLE analysis ADD COLUMN chosen_region TEXT NOT NULL DEFAULT '';

-- Two more kinds of edits: properties, remove. SQLite cannot change the check of a column.
CREATE TABLE new_edit (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    batch TEXT NOT NULL,
    sequence_id INTEGER NOT NULL REFERENCES sequence (id),
    kind TEXT NOT NULL CHECK (kind IN ('star', 'note', 'frames', 'base', 'paint', 'remove_layer', 'feather',
        'exclude', 'keep', 'decision', 'opinion', 'properties', 'remove', 'undo', 'redo')),
    value TEXT NOT NULL,
    candidate_id INTEGER REFERENCES candidate (id),
    undoes INTEGER REFERENCES new_edit (id),
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    CHECK ((kind IN ('undo', 'redo')) = (undoes IS NOT NULL))
) STRICT;
INSERT INTO new_edit (id, uuid, batch, sequence_id, kind, value, candidate_id, undoes, who, at)
    SELECT id, uuid, batch, sequence_id, kind, value, candidate_id, undoes, who, at FROM edit ORDER BY id;
DROP TABLE edit;
ALTER TABLE new_edit RENAME TO edit;
CREATE INDEX edit_of_sequence ON edit (sequence_id);
CREATE INDEX edit_of_candidate ON edit (candidate_id);
CREATE INDEX edit_of_person ON edit (who, id);
CREATE INDEX edit_of_batch ON edit (batch);
CREATE INDEX edit_undone ON edit (undoes) WHERE undoes IS NOT NULL;
CREATE INDEX edit_of_kind ON edit (kind) WHERE kind IN ('star', 'note', 'frames');
CREATE TRIGGER edits_stay BEFORE DELETE ON edit
BEGIN SELECT RAISE(ABORT, 'edits are appended, never removed'); END;
CREATE TRIGGER edits_stay_as_they_are BEFORE UPDATE ON edit
BEGIN SELECT RAISE(ABORT, 'edits are appended, never changed'); END;

-- Exports, trainings and evaluations: what is listed, and what an interrupted one is resumed with. arguments: JSON
-- list, the command without "rainclean". ended: '' while it runs. summary: JSON. The process that runs it holds the
-- file .running/UUID locked.
CREATE TABLE activity (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('export', 'training', 'evaluation')),
    title TEXT NOT NULL,
    folder TEXT NOT NULL,
    arguments TEXT NOT NULL,
    who TEXT NOT NULL,
    started TEXT NOT NULL,
    ended TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'failed', 'interrupted')),
    summary TEXT NOT NULL,
    error TEXT NOT NULL
) STRICT;
"""

_TENTH = """
-- kept: 0 where the picture need not be on disk: clip and recipe make it again.
ALTER TABLE candidate ADD COLUMN kept INTEGER NOT NULL DEFAULT 1 CHECK (kept IN (0, 1));
"""

TOTAL_SCORE = (
    "streaks + detail + darkening + disagreement + "
    "CASE more_scores WHEN '{}' THEN 0.0 ELSE (SELECT total(value) FROM json_each(more_scores)) END"
)
"""Expression for the sum of all defects of a candidate, grey levels."""

UP_TO_DATE = (
    "EXISTS (SELECT 1 FROM sequence AS its WHERE its.id = analysis.sequence_id AND its.chosen_first IS "
    "analysis.chosen_first AND its.chosen_last IS analysis.chosen_last AND its.chosen_region = analysis.chosen_region)"
)
"""Holds for an analysis of the frames and the region that its sequence has now."""

MAIN_LAST = f"json_extract(settings, '$.recipe') IS NULL, origin = 'analysis', {UP_TO_DATE}, analysis.id"
"""Order of the analyses of a sequence in which the main one comes last (`analyses`)."""

MIGRATIONS: list[str] = [_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH, _SIXTH, _SEVENTH, _EIGHTH, _NINTH, _TENTH]
"""MIGRATIONS[n] makes version n + 1 of version n; a change of the tables is one more entry, never an edit."""


def version(db: sqlite3.Connection) -> int:
    """Version of the tables in a store; 0 for an empty file."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection) -> None:
    """Bring the tables to the newest version, all in one transaction."""
    db.execute("BEGIN EXCLUSIVE")
    try:
        # Asked again inside: another process may have been faster.
        for number in range(version(db), len(MIGRATIONS)):
            for statement in _statements(MIGRATIONS[number]):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number + 1}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def differences(db: sqlite3.Connection) -> list[str]:
    """How the tables of a store differ from those of its version; what others have added counts for nothing."""
    expected, existing = _objects(version(db)), _described(db)
    return [f"{name} is not as it was made" for name, columns in expected.items() if existing.get(name) != columns]


@cache
def _objects(number: int) -> dict[str, tuple[str, ...]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for script in MIGRATIONS[:number]:
            db.executescript(script)
        return _described(db)


def _described(db: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Kind and columns by name, of all tables, indices and triggers."""
    objects = {}
    for name, kind in db.execute("SELECT name, type FROM sqlite_master").fetchall():
        columns = db.execute("SELECT name FROM pragma_table_info(?)", (name,))
        objects[name] = (kind, *(row[0] for row in columns))
    return objects


def _statements(script: str) -> list[str]:
    """Single statements of a script; ``executescript`` would commit before each script."""
    statements, statement = [], ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            statements.append(statement)
            statement = ""
    return statements

"""A project: clips, their sequences, candidates and decisions, in one folder that survives kills and crashes."""

from pipeline.project.store import Project


def _problems(project: Project) -> list[str]:
    from pipeline.project.soundness import problems  # it reads rows of all kinds, and is seldom needed

    return problems(project)


Project.examine = _problems

"""A project: clips, their sequences, candidates and decisions, in one folder that survives kills and crashes."""

from pipeline.project.storage import Project


def _problems(project: Project) -> list[str]:
    from pipeline.project.recovery import problems

    return problems(project)


Project.examine = _problems

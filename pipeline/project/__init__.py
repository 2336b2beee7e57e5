"""A project: clips, their sequences, candidates and decisions, in one folder that survives kills and crashes."""

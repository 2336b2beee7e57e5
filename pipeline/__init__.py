"""Middle floor: work that has state: stages, jobs, projects, exports, training runs, the command line."""

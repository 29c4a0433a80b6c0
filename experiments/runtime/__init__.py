"""What a run stands on: its results, files, processes and devices. Nothing here knows a task, a method or a study."""

"""Real data sets, prepared as Contender wants them: one ``dataset.json`` and folders of windows."""

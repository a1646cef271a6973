"""Programs that tests run in processes of their own, since they fork or are interrupted."""

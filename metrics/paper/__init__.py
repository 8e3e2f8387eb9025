"""Reports on paper: the same figure dictionaries as on the page, drawn without a browser."""

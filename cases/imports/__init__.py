"""Files of cases: read row by row, so that one bad row costs one row and a large file no memory."""

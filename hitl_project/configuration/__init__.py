"""The configuration file: read, compared with what is there, and applied as one change.

`reading` turns YAML into plain values with their line numbers, `checking` says what may not be so, `planning` compares,
`applying` writes, `snapshot` tells what is there in the same words.
"""

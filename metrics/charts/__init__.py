"""Charts: Plotly figures made of plain dictionaries, each with the same figures as a table.

Colours are not in them: each trace names its tone in `meta`, and `charts.js` paints tones from the page's CSS variables, so
that one figure serves light, dark, print, the saved file and the mail."""

"""Reports as files: tables as CSV and XLSX, the page as HTML that opens offline, and as PDF."""

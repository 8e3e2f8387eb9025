/* The answer's form: live differences, rows of tables. Every page works without it. */
'use strict';

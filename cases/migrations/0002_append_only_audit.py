"""The database itself refuses to change or delete what happened."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

TABLES = ["cases_auditevent", "cases_auditseal"]

SQLITE = [
    "CREATE TRIGGER {t}_no_update BEFORE UPDATE ON {t} BEGIN SELECT RAISE(ABORT, '{t} is append-only'); END",
    "CREATE TRIGGER {t}_no_delete BEFORE DELETE ON {t} BEGIN SELECT RAISE(ABORT, '{t} is append-only'); END",
    # INSERT OR REPLACE walks past the two above.
    "CREATE TRIGGER {t}_no_replace BEFORE INSERT ON {t} WHEN EXISTS (SELECT 1 FROM {t} WHERE id = NEW.id) "
    "BEGIN SELECT RAISE(ABORT, '{t} is append-only'); END",
]
SQLITE_UNDO = ["DROP TRIGGER {t}_no_update", "DROP TRIGGER {t}_no_delete", "DROP TRIGGER {t}_no_replace"]

POSTGRESQL = [
    "CREATE OR REPLACE FUNCTION countersign_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$",
    "CREATE TRIGGER {t}_no_change BEFORE UPDATE OR DELETE ON {t} FOR EACH ROW EXECUTE FUNCTION countersign_append_only()",
    "CREATE TRIGGER {t}_no_truncate BEFORE TRUNCATE ON {t} FOR EACH STATEMENT EXECUTE FUNCTION countersign_append_only()",
    "ALTER TABLE {t} ENABLE ALWAYS TRIGGER {t}_no_change",
    "ALTER TABLE {t} ENABLE ALWAYS TRIGGER {t}_no_truncate",
]
POSTGRESQL_UNDO = ["DROP TRIGGER {t}_no_change ON {t}", "DROP TRIGGER {t}_no_truncate ON {t}"]


def guard(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _run(schema_editor, POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE)


def unguard(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _run(schema_editor, POSTGRESQL_UNDO if schema_editor.connection.vendor == "postgresql" else SQLITE_UNDO)


def _run(schema_editor: BaseDatabaseSchemaEditor, statements: list[str]) -> None:
    for table in TABLES:
        for statement in statements:
            schema_editor.execute(statement.format(t=table), params=None)


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_tables")]
    operations = [migrations.RunPython(guard, unguard)]

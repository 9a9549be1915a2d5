"""What each rule must find, and what it must leave alone; no code that runs."""
# ruff: noqa: PGH004  the next line means everything: all of it is here to be wrong
# ruff: noqa


def roles(work, permissions, changes, query, account):
    # ruleid: role-tested-by-hand
    if work.actor.role == "admin":
        return
    # ruleid: role-tested-by-hand
    if work.actor.role is Role.ADMIN:
        return
    # ruleid: role-tested-by-hand
    if Role.DEVELOPER != account.role:
        return
    # ruleid: role-tested-by-hand
    if work.actor.role not in MANAGERS:
        return
    # ruleid: role-tested-by-hand
    if changes.get("role", Role.ADMIN) != Role.ADMIN:
        return
    # ruleid: role-tested-by-hand
    allowed = who in (Role.ADMIN, Role.MANAGER) or who == account.id
    # ruleid: role-tested-by-hand
    limit = LIMITS[work.actor.role]
    # ruleid: role-tested-by-hand
    limit = LIMITS.get(work.actor.role, 0)
    # ruleid: role-tested-by-hand
    match account.role:
        case "admin":
            return
    # ok: role-tested-by-hand
    if Permission.EMAIL_VIEW in permissions.granted(work.actor):
        return
    # ok: role-tested-by-hand
    shown = {name for name in changes if name in {"role", "is_active"}}
    # ok: role-tested-by-hand
    if query.role is not None:
        return
    # ok: role-tested-by-hand
    create_user(work, Role.DEVELOPER, shown=account.role)


async def statements(session, name, names, column, weight):
    # ruleid: sql-built-from-strings
    await session.execute(f"SELECT {name}")
    # ruleid: sql-built-from-strings
    await session.execute(f"SELECT {COLUMNS} FROM users WHERE id = {name!r}")
    # ruleid: sql-built-from-strings
    await session.execute("SELECT * FROM users WHERE name = '%s'" % name)
    # ruleid: sql-built-from-strings
    await session.scalar("SELECT * FROM users WHERE name = '{}'".format(name))
    # ruleid: sql-built-from-strings
    await session.fetch("DELETE FROM " + name)
    # ruleid: sql-built-from-strings
    session.exec_driver_sql(" AND ".join(names))
    # ruleid: sql-built-from-strings
    session.executescript(SCRIPT + "; COMMIT")
    by_name = name + " DESC"
    # ruleid: sql-built-from-strings
    select(users).order_by(text(by_name))
    query = "SELECT"
    query += name
    # ruleid: sql-built-from-strings
    await session.execute(query)
    # ruleid: sql-built-from-strings
    literal_column(f"'{weight}'::regconfig")
    # ruleid: sql-built-from-strings
    column.op(f"->{name}")
    # ok: sql-built-from-strings
    await session.execute(_INSERT, {"name": f"copy of {name}"})
    # ok: sql-built-from-strings
    await session.execute(select(users).where(users.c.name == f"copy of {name}"))
    # ok: sql-built-from-strings
    await session.execute(select(users).where(users.c.name.like(name + "%")))
    # ok: sql-built-from-strings
    await session.execute(text("SELECT :name").bindparams(name=name))
    # ok: sql-built-from-strings
    session.exec_driver_sql("PRAGMA foreign_key_check")
    # ok: sql-built-from-strings
    literal_column(f"'{TEXT_SEARCH_CONFIGURATION}'::regconfig")


def clocks(work, clock):
    # ruleid: clock-read-inside
    now = datetime.now(UTC)
    # ruleid: clock-read-inside
    today = date.today()
    # ruleid: clock-read-inside
    seconds = time.time()
    # ruleid: clock-read-inside
    now = utc_now()
    # ruleid: clock-read-inside
    Column("at", server_default=func.now())
    # ruleid: clock-read-inside
    Field(default_factory=datetime.utcnow)
    # ok: clock-read-inside
    now = work.now
    # ok: clock-read-inside
    now = clock()
    # ok: clock-read-inside
    then = datetime.fromtimestamp(seconds, UTC)
    # ok: clock-read-inside
    started = time.perf_counter()


def secrets(given, found, current, settings):
    # ruleid: secret-compared-openly
    if given.token == found.token:
        return
    # ruleid: secret-compared-openly
    if hash_of(given) != found.token_hash:
        return
    # ruleid: secret-compared-openly
    if given == settings.metrics_token.get_secret_value():
        return
    # ruleid: secret-compared-openly
    if mac.digest() == given:
        return
    # ruleid: secret-compared-openly
    if given != current.password_hash:
        return
    # ok: secret-compared-openly
    if hmac.compare_digest(given.token, found.token):
        return
    # ok: secret-compared-openly
    if current.password_hash == found.password_hash:
        return
    # ok: secret-compared-openly
    if len(given.token) == 43:
        return
    # ok: secret-compared-openly
    if given.password is None or found.token_type == "bearer":
        return


async def transactions(work, session, worker):
    # ruleid: transaction-ended-inside
    await work.session.commit()
    # ruleid: transaction-ended-inside
    await session.rollback()
    # ok: transaction-ended-inside
    await worker.commit_all(work)

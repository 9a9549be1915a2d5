import typer

app = typer.Typer()


@app.callback()
def cb() -> None: ...

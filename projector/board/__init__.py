"""A board of tasks for workers: who has which task is decided once, among all processes."""

from projector.board.board import Board
from projector.board.task import Comment, Task, TaskClaim, TaskDetails, TaskEvent

__all__ = ["Board", "Comment", "Task", "TaskClaim", "TaskDetails", "TaskEvent"]

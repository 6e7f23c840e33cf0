"""What an author writes: functions, the words in them, and the state that they write to."""

/* G9, G16, and G4 between processes: turns of Mode::shared. Models SharedProject, Opening::resume,
 * ProjectLock::acquire and pass_on, and Project::open_turn, give_up and set_bases.
 *
 * Two processes write one chunk in turn. A turn takes the kernel lock, opens the project (lightly after an
 * IdleText that counts, else fully, with a new journal token), appends a record, publishes the file, syncs its
 * folder, empties the journal, writes an IdleText and gives the lock back. An edit is its number; it is
 * acknowledged when its turn has ended. An owner may come between: it opens fully, removes journal and lock at
 * its end, and saves nothing. Each step may be followed by a kill. A power cut kills all: the file of an edit
 * that was not synced may go back, and so may the lock's text and the journal, each to any earlier state since
 * it was last synced (the model keeps one: the oldest). Then the machine was started again, or not: the disk
 * was unplugged and came back (boot stays the same).
 *
 * The state of the disk has a present and a durable half. The kernel lock goes with its process.
 *
 * Properties, as assertions:
 *   - never two writers
 *   - an acknowledged update is never lost, nor rolled back
 *   - a record that is appended has a higher sequence than the stamp of its file, if the token is the same;
 *     so a record is never taken for older than the file that it is to change
 *
 * Variant that must hold: NO_UNPLUGGING NO_STAMPS: a power cut always starts the machine again, and the stamps
 * are not asked. The stamps are a second measure: with them, only an unplugged disk needs them.
 * Mutations, each of which must violate:
 *   NO_LOCK            the kernel lock is taken for granted
 *   IDLE_AT_ONCE       the IdleText is written, and the turn ends, without a sync of the file
 *   NO_COMMIT          the end of a turn acknowledges without having published
 *   NO_STAMPS          a record's sequence is not raised above that of the file's stamp: violates by an
 *                      unplugged disk, whose lock file has an IdleText of some turns before
 * and with NO_UNPLUGGING NO_STAMPS:
 *   IGNORE_BOOT        an IdleText of before a power cut counts
 *   OLD_TOKEN          a full opening goes on with the old token
 *   SEQUENCE_NOT_LEFT  the IdleText has a sequence of 0
 *
 * Not in the model: turns that fail and leave their record (tests/failures), foreign copies of journal or lock
 * (EngineShared.*), and edits of several chunks (commit.pml).
 */
#ifndef EDITS
#define EDITS 4
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#define NOBODY 0

/* --- the chunk's file: its edit, and the stamp */
byte file;
byte file_token;
byte file_sequence;
byte durable;               /* the same, for certain */
byte durable_token;
byte durable_sequence;

/* --- the journal: its token, and the record in it (0: none); one record at a time, as each turn commits */
byte token = 1;
byte record;
byte record_sequence;
byte durable_journal = 1;   /* its token */
byte durable_record;
byte durable_record_sequence;

/* --- the lock file: nothing of use, or an IdleText */
bool idle;
byte idle_sequence;
byte idle_token;
byte idle_boot;
bool old_idle;              /* what a power cut may bring back */
byte old_sequence;
byte old_token;
byte old_boot;

byte boot = 1;
byte tokens = 1;            /* that were given out */
byte holder;                /* of the kernel lock */
byte writers;
byte issued;                /* edits; each process takes the next one */
byte acknowledged;          /* the newest edit that was acknowledged */
byte crashes;
byte life = 1;              /* a power cut ends that of all processes */

/* The kernel may write the lock's text back at any moment, or never. */
inline write_back() {
  if
  :: true ->
    old_idle = idle;
    old_sequence = idle_sequence;
    old_token = idle_token;
    old_boot = idle_boot
  :: true -> skip
  fi
}

inline sync_journal() {
  durable_journal = token;
  durable_record = record;
  durable_record_sequence = record_sequence
}

inline sync_folder() {
  durable = file;
  durable_token = file_token;
  durable_sequence = file_sequence
}

inline let_go() {
  if
  :: in_turn -> writers--; in_turn = false
  :: else -> skip
  fi;
  if
  :: holder == _pid -> holder = NOBODY
  :: else -> skip
  fi;
  sequence = 0;
  mine = 0
}

inline power_cut() {
  crashes++;
  life++;
  if
  :: boot++
#ifndef NO_UNPLUGGING
  :: skip                      /* unplugged, and back */
#endif
  fi;
  if
  :: file = durable; file_token = durable_token; file_sequence = durable_sequence
  :: sync_folder()
  fi;
  if
  :: token = durable_journal; record = durable_record; record_sequence = durable_record_sequence
  :: sync_journal()
  fi;
  if
  :: idle = old_idle; idle_sequence = old_sequence; idle_token = old_token; idle_boot = old_boot
  :: skip
  fi;
  old_idle = idle; old_sequence = idle_sequence; old_token = idle_token; old_boot = idle_boot;
  holder = NOBODY;
  writers = 0
}

/* After a power cut a process of the life before is dead, whatever it was about to do. */
#define GONE my_life != life
#define MAY_DIE \
  if \
  :: atomic { GONE -> in_turn = false; sequence = 0; mine = 0; my_life = life; goto again } \
  :: atomic { !(GONE) && crashes < CRASHES -> crashes++; let_go(); goto again } \
  :: atomic { !(GONE) && crashes < CRASHES -> power_cut(); in_turn = false; sequence = 0; mine = 0; \
              my_life = life; goto again } \
  :: !(GONE) \
  fi

/* decide_replay(): a record of this journal that is not newer than the file is done. */
inline replay() {
  if
  :: record != 0 ->
    if
    :: file_token == token && file_sequence >= record_sequence -> skip
    :: else ->
      file = record;
      file_token = token;
      file_sequence = record_sequence
    fi
  :: else -> skip
  fi
}

/* Nothing that was acknowledged is missing: the file is that edit, or a later one. */
#define JUDGE assert(file >= acknowledged)

inline new_token() {
#ifdef OLD_TOKEN
  skip
#else
  tokens++;
  token = tokens
#endif
}

proctype Writer() {
  byte sequence = 0;           /* the last one that this turn knows of */
  byte mine = 0;               /* the edit of this turn */
  byte my_life = 1;
  bool in_turn = false;
  bool light = false;
again:
  if
  :: atomic { GONE -> my_life = life; goto again }
  :: atomic { !(GONE) && issued == EDITS -> goto done }
#ifdef NO_LOCK
  :: atomic { !(GONE) && issued < EDITS -> holder = _pid; writers++; in_turn = true; assert(writers == 1) }
#else
  :: atomic { !(GONE) && issued < EDITS && holder == NOBODY ->
       holder = _pid; writers++; in_turn = true; assert(writers == 1) }
#endif
  fi;
  MAY_DIE;
  /* Reads the text, and writes its own over it: a crash from here on leaves none of use. */
  atomic {
    light = idle && record == 0;
#ifndef IGNORE_BOOT
    light = light && idle_boot == boot;
#endif
    light = light && idle_token == token;
    sequence = (light -> idle_sequence : 0);
    idle = false;
    idle_sequence = 0; idle_token = 0; idle_boot = 0;
    write_back()
  };
  MAY_DIE;
  if
  :: light -> skip
  :: else ->
    /* What a dead process has left is made durable first, and then saved. */
    d_step { sync_journal(); sync_folder() };
    MAY_DIE;
    atomic { replay(); JUDGE };
    MAY_DIE;
    d_step { sync_folder() };
    MAY_DIE;
    d_step {                   /* a new file, which is durable before it gets the name */
      new_token();
      record = 0;
      record_sequence = 0
    };
    MAY_DIE;
    d_step { sync_journal() };
    MAY_DIE
  fi;
  atomic {
    JUDGE;
    issued++;
    mine = issued;
#ifndef NO_STAMPS
    if
    :: file_token == token && file_sequence > sequence -> sequence = file_sequence
    :: else -> skip
    fi;
#endif
    sequence++;
    assert(file_token != token || file_sequence < sequence);
    record = mine;
    record_sequence = sequence
  };
#ifdef IDLE_AT_ONCE
  atomic { idle = true; idle_sequence = sequence; idle_token = token; idle_boot = boot; write_back() };
#endif
  MAY_DIE;
  /* A set of files syncs the journal before it publishes; a single one need not. */
  if
  :: d_step { sync_journal() }; MAY_DIE
  :: skip
  fi;
#ifndef NO_COMMIT
  d_step { file = mine; file_token = token; file_sequence = sequence };
  MAY_DIE;
#ifndef IDLE_AT_ONCE
  d_step { sync_folder() };
  MAY_DIE;
#endif
#endif
  atomic {                     /* the journal is emptied, and that need not be durable */
    record = 0;
    record_sequence = 0;
    if
    :: sync_journal()
    :: skip
    fi
  };
  MAY_DIE;
  atomic {
    idle = true;
#ifdef SEQUENCE_NOT_LEFT
    idle_sequence = 0;
#else
    idle_sequence = sequence;
#endif
    idle_token = token;
    idle_boot = boot;
    write_back()
  };
  MAY_DIE;
  atomic { acknowledged = mine; let_go(); goto again };
done:
  skip
}

/* Removes journal and lock when it is done; its own edits are the business of commit.pml. */
proctype Owner() {
  byte sequence = 0;
  byte mine = 0;
  byte my_life = 1;
  bool in_turn = false;
again:
  if
  :: atomic { GONE -> my_life = life; goto again }
  :: goto done
  :: atomic { !(GONE) && holder == NOBODY ->
       holder = _pid; writers++; in_turn = true; assert(writers == 1);
       idle = false; idle_sequence = 0; idle_token = 0; idle_boot = 0;
       write_back() }
  fi;
  MAY_DIE;
  d_step { sync_journal(); sync_folder() };
  MAY_DIE;
  atomic { replay(); JUDGE };
  MAY_DIE;
  d_step { sync_folder() };
  MAY_DIE;
  /* The journal's new file, and then its removal: the next one makes another, of a new token. */
  d_step { new_token(); record = 0; record_sequence = 0; sync_journal() };
  MAY_DIE;
  atomic { old_idle = false; old_sequence = 0; old_token = 0; old_boot = 0; let_go() };
done:
  skip
}

init {
  atomic {
    run Writer();
    run Writer();
    run Owner()
  }
}

//! What a frame's blocks are, for those that come later (AV1, 7.10.2 and 8.3.2).

/// Blocks of 4x4, as far as they are coded.
pub(super) struct Marks {
    columns: usize,
    blocks: Vec<Option<Mark>>,
}

/// What a block is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Its size is 4 times so many powers of two.
    pub(super) power: u32,
    /// It is what the reference has there; others are predicted from their neighbours.
    pub(super) is_still: bool,
}

/// Where a block is: row and column in blocks of 4x4, and how many powers of two it has.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) power: u32,
}

impl Marks {
    pub(super) fn new((columns, rows): (usize, usize)) -> Self {
        Self { columns, blocks: vec![None; columns * rows] }
    }

    pub(super) const fn size(&self) -> (usize, usize) {
        (self.columns, self.blocks.len() / self.columns)
    }

    pub(super) fn set(&mut self, place: Place, is_still: bool) {
        let mark = Some(Mark { power: place.power, is_still });
        for row in place.row..place.row + (1 << place.power) {
            self.blocks[row * self.columns + place.column..][..1 << place.power].fill(mark);
        }
    }

    /// What is so many blocks down and to the right, if it is there and coded.
    pub(super) fn at(&self, place: Place, down: isize, right: isize) -> Option<Mark> {
        let column = place.column.checked_add_signed(right).filter(|column| *column < self.columns)?;
        *self.blocks.get(place.row.checked_add_signed(down)? * self.columns + column)?
    }

    /// What is above it, and to the left.
    pub(super) fn neighbours(&self, place: Place) -> [Option<Mark>; 2] {
        [self.at(place, -1, 0), self.at(place, 0, -1)]
    }

    /// `NewMvContext` of a block whose neighbours have no motion: where others are still,
    /// close by, and farther away.
    pub(super) fn motion_context(&self, place: Place) -> usize {
        let blocks = 1_isize << place.power;
        let is_still = |down, right| self.at(place, down, right).is_some_and(|mark| mark.is_still);
        let row = |down: isize, offset: isize| self.scan(place, |along| (down, along + offset));
        let column = |right: isize, offset: isize| self.scan(place, |along| (along + offset, right));
        // What is as large as a whole superblock of 128 does not look around its corner.
        let above = row(-1, 0) || (blocks <= MOST && is_still(-1, blocks));
        let left = column(-1, 0);
        match usize::from(above) + usize::from(left) {
            0 => {
                let above = is_still(-1, -1) || row(-3, 1) || row(-5, 1);
                usize::from(above || column(-3, 1) || column(-5, 1))
            }
            1 => 3,
            _ => 5,
        }
    }

    /// Whether a block is still of those along a side of this one.
    fn scan(&self, place: Place, at: impl Fn(isize) -> (isize, isize)) -> bool {
        let blocks = 1_isize << place.power;
        let is_far = at(0).0 < -1 || at(0).1 < -1;
        let mut along = 0;
        while along < blocks.min(MOST) {
            let (down, right) = at(along);
            let Some(mark) = self.at(place, down, right) else { break };
            if mark.is_still {
                return true;
            }
            let least = match () {
                () if blocks >= MOST => 4,
                () if is_far => 2,
                () => 1,
            };
            along += (1 << mark.power).min(blocks).max(least);
        }
        false
    }
}

/// Blocks along a side that are looked at.
const MOST: isize = 16;
